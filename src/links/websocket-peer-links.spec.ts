import { peerLinksContract } from '../modules/routing/testing/index.js';
import { LinkNode, Wire } from './testing/link-scene.js';

/** All server nodes reach each other over wires, one for each direction. */
peerLinksContract('websockets', async (count) => {
  const settings = { reconnectMinMs: 1, reconnectMaxMs: 5 };
  const nodes = await Promise.all(Array.from({ length: count }, (_, i) => LinkNode.start(`~s${i}`, { settings })));
  const wires = new Map<string, Wire>();
  for (const from of nodes) {
    for (const to of nodes) {
      if (from === to) continue;
      const wire = await Wire.to(to.port);
      wires.set(`${from.serverNodeId} ${to.serverNodeId}`, wire);
      from.knows(to, { ...to.address, internalUrl: wire.url });
    }
  }
  const both = (a: string, b: string, change: (wire: Wire) => void): void =>
    [`${a} ${b}`, `${b} ${a}`].forEach((way) => change(wires.get(way)!));
  return {
    nodes,
    cut: (a, b) => both(a, b, (wire) => wire.cut()),
    heal: (a, b) => both(a, b, (wire) => wire.heal()),
    close: async () => {
      await Promise.all(nodes.map((node) => node.close()));
      for (const wire of wires.values()) wire.close();
    },
  };
});
