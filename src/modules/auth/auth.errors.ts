/** The keys as they are configured cannot be used. It stops the start; `setting` names the option that is wrong. */
export class AuthSetupFault extends Error {
  constructor(
    readonly setting: 'secret' | 'publicKey' | 'jwksUri' | 'keySet' | 'keys' | 'secretFile',
    readonly wanted: string,
  ) {
    super(`auth ${setting}: ${wanted}`);
    this.name = 'AuthSetupFault';
  }
}
