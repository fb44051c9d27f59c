// The unmodified SigningStargateClient against one node; prints one line of JSON.
import { DirectSecp256k1HdWallet, DirectSecp256k1Wallet } from "@cosmjs/proto-signing";
import { GasPrice, SigningStargateClient, StargateClient } from "@cosmjs/stargate";
import { Comet38Client, WebsocketClient } from "@cosmjs/tendermint-rpc";

const [endpoint, words, poor, unknown, recipient] = process.argv.slice(2);
const coins = (amount) => [{ denom: "uremes", amount }];
const options = { prefix: "remes", gasPrice: GasPrice.fromString("0.025uremes"), broadcastPollIntervalMs: 100 };
const refusal = (work) => work.then((done) => `${done.code} ${done.rawLog} in a block`, (error) => `${error.code ?? ""} ${error.message}`);
const keyed = async (hex) =>
  SigningStargateClient.connectWithSigner(endpoint, await DirectSecp256k1Wallet.fromKey(Buffer.from(hex, "hex"), "remes"), options);

const wallet = await DirectSecp256k1HdWallet.fromMnemonic(words, { prefix: "remes" });
const [{ address }] = await wallet.getAccounts();
const client = await SigningStargateClient.connectWithSigner(endpoint, wallet, options);
const before = await client.getBalance(address, "uremes");

const sent = await client.sendTokens(address, recipient, coins("1000000"), "auto", "from CosmJS");
const found = await client.getTx(sent.transactionHash);
const searched = await client.searchTx([{ key: "message.sender", value: address }]);
const block = await client.getBlock(sent.height);

const send = { typeUrl: "/cosmos.bank.v1beta1.MsgSend", value: { fromAddress: address, toAddress: recipient, amount: coins("1") } };
const fee = { amount: coins("5000"), gas: "200000" };
const chainId = await client.getChainId();
const { accountNumber, sequence } = await client.getSequence(address);
const { TxRaw } = await import("cosmjs-types/cosmos/tx/v1beta1/tx");
const wrong = await client.sign(address, [send], fee, "", { accountNumber, sequence: sequence + 7, chainId });
const refused = await refusal(client.broadcastTx(TxRaw.encode(wrong).finish()));

const broke = await keyed(poor);
const [{ address: brokeAddress }] = await broke.signer.getAccounts();
const stranger = await keyed(unknown);
const [{ address: strangerAddress }] = await stranger.signer.getAccounts();

const socket = new WebsocketClient(endpoint.replace("http", "ws"));
const comet = Comet38Client.create(socket);
const heard = new Promise((resolve, reject) =>
  comet.subscribeTx(`transfer.recipient='${recipient}'`).addListener({ next: resolve, error: reject }));
const newBlock = new Promise((resolve, reject) => comet.subscribeNewBlock().addListener({ next: resolve, error: reject }));
await comet.health();
const second = await client.sendTokens(address, recipient, coins("5"), fee);
const told = await heard;
const toldBlock = await newBlock;
const committed = await comet.broadcastTxCommit({
  tx: TxRaw.encode(await client.sign(address, [send], fee, "by commit")).finish(),
});
const record = {
  address, chainId, before: before.amount, sent: { code: sent.code, height: sent.height, hash: sent.transactionHash },
  found: { code: found.code, height: found.height, messages: found.msgResponses.length, sender: found.events.some((event) => event.type === "message") },
  searched: searched.map((tx) => tx.hash), block: block.txs.length,
  received: (await client.getBalance(recipient, "uremes")).amount,
  too_little: await refusal(broke.sendTokens(brokeAddress, recipient, coins("1000000"), fee)),
  too_little_simulated: await refusal(broke.sendTokens(brokeAddress, recipient, coins("1000000"), "auto")),
  wrong_sequence: refused,
  unknown_account: await client.getAccount(strangerAddress),
  unknown_sender: await refusal(stranger.sendTokens(strangerAddress, recipient, coins("1"), fee)),
  told: { same: Buffer.from(told.hash).toString("hex").toUpperCase() === second.transactionHash, height: told.height === second.height },
  told_block: toldBlock.header.chainId,
  committed: { code: committed.txResult.code, height: committed.height > second.height },
  genesis: (await comet.genesis()).chainId, blocks: (await comet.blockchain(1, 3)).blockMetas.length,
  results: (await comet.blockResults(second.height)).results.length,
  block_events: (await comet.blockResults(1)).finalizeBlockEvents.length > 0,
  block_search: (await comet.blockSearch({ query: `block.height<=${second.height}`, per_page: 1, order_by: "desc" })).totalCount >= second.height,
  info: (await comet.abciInfo()).data,
};
socket.disconnect();
console.log(JSON.stringify(record));
process.exit(0);
