// One JSON document a line from standard input: { entries: [[path, base64 or null]], chunkBytes, maxLinks, cidVersion,
// rawLeaves, shardAboveBytes, shardEstimate }. Answers with the root's CID, a line each.
import { createInterface } from 'node:readline'
import { MemoryBlockstore } from 'blockstore-core/memory'
import { importer } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'

for await (const line of createInterface({ input: process.stdin })) {
  const wanted = JSON.parse(line)
  const source = wanted.entries.map(([path, content]) => ({
    path,
    content: content === null ? undefined : Buffer.from(content, 'base64')
  }))
  let root
  for await (const entry of importer(source, new MemoryBlockstore(), {
    cidVersion: wanted.cidVersion,
    rawLeaves: wanted.rawLeaves,
    chunker: fixedSize({ chunkSize: wanted.chunkBytes }),
    layout: balanced({ maxChildrenPerNode: wanted.maxLinks }),
    shardSplitThresholdBytes: wanted.shardAboveBytes,
    shardSplitStrategy: `${wanted.shardEstimate}-bytes`
  })) root = entry
  console.log(root.cid.toString())
}
