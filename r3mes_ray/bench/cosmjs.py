"""CosmJS from npm as a process that signs: the peer of our wallet, on the same machine and in the same minute."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from r3mes_ray.errors import CommandFailed

PACKAGES = {"@cosmjs/proto-signing": "0.39.0", "@cosmjs/stargate": "0.39.0"}
_QUIET = ("--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--loglevel=error")
_INSTALL_TIMEOUT_S = 560
_SCRIPT = """
import { createInterface } from "node:readline";
import { DirectSecp256k1Wallet } from "@cosmjs/proto-signing";
import { SigningStargateClient } from "@cosmjs/stargate";

const wallet = await DirectSecp256k1Wallet.fromKey(Buffer.from("11".repeat(32), "hex"), "remes");
const [{ address }] = await wallet.getAccounts();
const client = await SigningStargateClient.offline(wallet);
const amount = [{ denom: "uremes", amount: "1" }];
const send = { typeUrl: "/cosmos.bank.v1beta1.MsgSend", value: { fromAddress: address, toAddress: address, amount } };
const fee = { amount: [{ denom: "uremes", amount: "5000" }], gas: "200000" };
let sequence = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const began = performance.now();
  for (let count = Number(line); count > 0; count--) {
    await client.sign(address, [send], fee, "", { accountNumber: 1, sequence: sequence++, chainId: "remes-test" });
  }
  console.log((performance.now() - began) / 1000);
}
"""


class CosmJs:
    """A running node process; it ends with the `with` block. Needs npm the first time."""

    def __init__(self, cache: Path) -> None:
        folder = _installed((cache / "cosmjs").absolute())
        script = folder / "sign.mjs"
        script.write_text(_SCRIPT)
        self._process = subprocess.Popen(
            ["node", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder
        )

    def __enter__(self) -> CosmJs:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=60)

    def seconds(self, count: int) -> float:
        """How long `count` signatures took, measured by that process."""
        if self._process.stdin is None or self._process.stdout is None:
            raise OSError("the peer's process has no pipes")
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise CommandFailed("CosmJS", self._process.wait(timeout=60), "it ended")
        return float(line)


def _installed(folder: Path) -> Path:
    if not (folder / "ready").exists():
        folder.mkdir(parents=True, exist_ok=True)
        package = {"private": True, "type": "module", "dependencies": PACKAGES}
        (folder / "package.json").write_text(json.dumps(package))
        try:
            subprocess.run(["npm", "install", *_QUIET], cwd=folder, check=True, timeout=_INSTALL_TIMEOUT_S)
        except (OSError, subprocess.SubprocessError) as error:
            raise CommandFailed("npm install", 1, str(error)) from error
        (folder / "ready").touch()
    return folder
