export { groupLogContract } from './group-log-contract.js';
export { type GroupLogHarness, groupRecord, type GroupStore, type OpenGroupLog, stay } from './group-log-harness.js';
