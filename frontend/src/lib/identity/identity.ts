import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { base32nopad, base64urlnopad } from '@scure/base';
import { entropyToMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import canonicalize from 'canonicalize';
import type { Certificate } from '../api/types';

/**
 * The making of a person: keys, recovery words and the first certificate. It all happens in this browser; the secret of
 * the identity leaves it only as words that its owner writes down. Loaded for setup alone.
 */

const SECRET_BYTES = 32;
const CERTIFICATE_TYPE = 'tidings/certificate/v1';

/** 32 random bytes: the private seed of an Ed25519 key (RFC 8032 section 5.1.5). */
export function newSecret(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
}

/** The 24 words of BIP-39 (English) that spell out an identity's secret. */
export function recoveryWords(identitySecret: Uint8Array): string[] {
  return entropyToMnemonic(identitySecret, wordlist).split(' ');
}

/** A public key or a secret as it travels in JSON: base64url without padding (RFC 4648 section 5). */
export function encodeKey(bytes: Uint8Array): string {
  return base64urlnopad.encode(bytes);
}

/** The 26 characters that people compare: base32 of the first 16 bytes of SHA-256 of the identity's public key. */
export function fingerprint(identitySecret: Uint8Array): string {
  const digest = sha256(ed25519.getPublicKey(identitySecret));
  return base32nopad.encode(digest.slice(0, 16)).toLowerCase();
}

/** What an identity says about where it lives: this key speaks for me, at this address. */
export interface CertificateContent {
  readonly identitySecret: Uint8Array;
  readonly deploymentSecret: Uint8Array;
  /** The origin of the deployment, as `GET /api/setup` tells it. */
  readonly address: string;
  /** Unix milliseconds; the higher of two certificates counts. */
  readonly serial: number;
}

/** Signs the canonical form (RFC 8785) of the certificate without its signature. */
export function signCertificate(content: CertificateContent): Certificate {
  const unsigned = {
    type: CERTIFICATE_TYPE,
    identity: encodeKey(ed25519.getPublicKey(content.identitySecret)),
    key: encodeKey(ed25519.getPublicKey(content.deploymentSecret)),
    address: content.address,
    serial: content.serial,
  } as const;
  const canonical = canonicalize(unsigned);
  if (canonical === undefined) throw new TypeError('A certificate has a canonical form.');
  const signature = ed25519.sign(new TextEncoder().encode(canonical), content.identitySecret);
  return { ...unsigned, signature: encodeKey(signature) };
}
