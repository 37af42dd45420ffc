import { validationKeyStoreContract } from 'allspark/testing';
import { MemoryKeys } from './memory-keys.js';

validationKeyStoreContract('another team', async () => {
  const keys = new MemoryKeys();
  // They serve one process, so that there is no second adapter on them.
  return { keys, second: async () => keys, close: async () => keys.onApplicationShutdown() };
});
