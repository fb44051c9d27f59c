// The modules that the Keplr wallet is made of, unmodified, against one node; prints one line of JSON.
import { FaucetClient } from "@cosmjs/faucet-client";
import { checkRestConnectivity, checkRPCConnectivity } from "@keplr-wallet/chain-validator";
import { BaseAccount, TendermintTxTracer } from "@keplr-wallet/cosmos";
import { simpleFetch } from "@keplr-wallet/simple-fetch";
import WebSocket from "ws";

const [rpc, rest, faucet, chainId, rich, stranger, unsigned, signed] = process.argv.slice(2);
const socket = (url) => new WebSocket(url);
const refusal = (work) => work.then(() => null, (error) => error.response?.data ?? error.message);
const post = (path, body) =>
  simpleFetch(rest, path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
const balances = async (address) =>
  (await simpleFetch(rest, `/cosmos/bank/v1beta1/spendable_balances/${address}?pagination.limit=1000`)).data.balances;

await checkRPCConnectivity(chainId, rpc, socket);
await checkRestConnectivity(chainId, rest);
const wrongChain = await refusal(checkRestConnectivity("other-1", rest));
const before = await BaseAccount.fetchFromRest(rest, rich);
const unknown = await BaseAccount.fetchFromRest(rest, stranger, true);

await new FaucetClient(faucet).credit(stranger, "uremes");
const given = await balances(stranger);
const joined = await BaseAccount.fetchFromRest(rest, stranger);

const simulated = await post("/cosmos/tx/v1beta1/simulate", { tx_bytes: unsigned });
const sent = await post("/cosmos/tx/v1beta1/txs", { tx_bytes: signed, mode: "BROADCAST_MODE_SYNC" });
const hash = sent.data.tx_response.txhash;
const tracer = new TendermintTxTracer(rpc, "/websocket", { wsObject: WebSocket });
const traced = await tracer.traceTx(Buffer.from(hash, "hex"));
tracer.close();
const found = await simpleFetch(rest, `/cosmos/tx/v1beta1/txs/${hash}`);
const listed = await simpleFetch(rest, `/cosmos/tx/v1beta1/txs?query=${encodeURIComponent(`message.sender='${rich}'`)}&order_by=2`);
const again = await post("/cosmos/tx/v1beta1/txs", { tx_bytes: signed, mode: "BROADCAST_MODE_SYNC" });
const after = await BaseAccount.fetchFromRest(rest, rich);
console.log(JSON.stringify({
  wrong_chain: wrongChain,
  before: [before.getAddress(), before.getSequence().toString()],
  unknown: [unknown.getAddress(), unknown.getSequence().toString()],
  given, joined: joined.getAccountNumber().toString(),
  gas: Number(simulated.data.gas_info.gas_used),
  sent: sent.data.tx_response.code, traced: traced.code ?? 0,
  found: [found.data.tx_response.code, found.data.tx.body.messages[0]["@type"]],
  listed: listed.data.tx_responses.map((one) => one.txhash === hash),
  again: again.data.tx_response.code, after: after.getSequence().toString(),
  broken: await refusal(post("/cosmos/tx/v1beta1/simulate", { tx_bytes: "AAAA" })),
}));
process.exit(0);
