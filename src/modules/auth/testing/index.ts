export { connectionsEnd, endOrdersContract, keysEnd, type OpenEndOrders } from './end-orders-contract.js';
export { MemoryEndOrders } from './memory-end-orders.js';
export {
  type OpenValidationKeyStore,
  validationGrant,
  validationKeyStoreContract,
} from './validation-key-store-contract.js';
