import { describe, expect, it } from 'vitest';
import vector from '../../../../tests/vectors/certificate-v1.json';
import { encodeKey, fingerprint, newSecret, recoveryWords, signCertificate } from './identity';

const bytes = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

describe('identity', () => {
  const identitySecret = bytes(vector.seed_hex);

  it('spells the secret of the golden vector in its 24 words', () => {
    expect(recoveryWords(identitySecret).join(' ')).toBe(vector.words);
  });

  it('has the fingerprint of the golden vector', () => {
    expect(fingerprint(identitySecret)).toBe(vector.fingerprint);
  });

  it('signs the certificate of the golden vector', () => {
    const { address, serial } = vector;
    const deploymentSecret = bytes(vector.deployment_secret_hex);
    expect(signCertificate({ identitySecret, deploymentSecret, address, serial })).toEqual(vector.certificate);
  });

  it('makes a secret of 32 bytes that differs every time', () => {
    expect(newSecret()).toHaveLength(32);
    expect(encodeKey(newSecret())).not.toBe(encodeKey(newSecret()));
  });

  it('encodes keys for JSON without padding', () => {
    expect(encodeKey(new Uint8Array(32).fill(0xff))).toBe('__________________________________________8');
  });
});
