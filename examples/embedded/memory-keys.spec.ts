import { validationKeyStoreContract } from 'allspark/testing';
import { type KeptGrant, MemoryKeys } from './memory-keys.js';

validationKeyStoreContract('another team', async () => {
  // Two adapters on one store, as two server nodes have it.
  const grants = new Map<string, KeptGrant>();
  const keys = new MemoryKeys(grants);
  return { keys, second: async () => new MemoryKeys(grants), close: async () => keys.onApplicationShutdown() };
});
