export { connectionRow, directoryContract, type OpenDirectory } from './directory-contract.js';
