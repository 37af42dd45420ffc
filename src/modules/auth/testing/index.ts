export {
  type OpenValidationKeyStore,
  validationGrant,
  validationKeyStoreContract,
} from './validation-key-store-contract.js';
