export { connectionRow, directoryContract, type OpenDirectory } from './directory-contract.js';
export { MemoryDirectory } from './memory-directory.js';
