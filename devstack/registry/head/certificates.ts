import { FLAG, FREE_JSON, OWNED, optionalText, reference, requiredText, uniqueName } from '../field-kinds';
import type { Resource, Rule } from '../resource';
import { onlyInvalidation } from './rules';

export const CERTIFICATES: Resource = {
  table: 'certificates',
  schema: 'Certificate',
  maker: 'owner',
  order: ['created_at'],
  fields: {
    name: uniqueName('certificate', 128),
    ca: reference('authorities'),
    certificate_content_base64: requiredText(null),
    key_type: { kind: 'choice', values: ['RSA', 'EC'], default: 'RSA' },
    is_valid: FLAG,
    ...OWNED,
  },
  changeRules: [onlyInvalidation(['is_valid'], 'User can only invalidate a certificate')],
  constraints: {
    certificates_valid: { non_field_errors: ['There is a valid certificate of this user, authority and key type'] },
  },
};

const ofValidCertificate: Rule = async ({ caller, values }) => {
  const valid = 'select 1 from certificates where id = $1 and is_valid';
  const found = await caller.sql.query(valid, [values.certificate]);
  return found.length > 0 ? null : 'Container keys can be made for valid certificates only';
};

/** A container's key, encrypted for the holder of a certificate. It needs no name; one that is given is taken once. */
export const ENCRYPTED_KEYS: Resource = {
  table: 'encrypted_keys',
  schema: 'EncryptedKey',
  maker: 'owner',
  order: ['created_at'],
  fields: {
    name: { ...optionalText(128), unique: 'encrypted key with this name already exists.' },
    certificate: reference('certificates'),
    container: reference('mlcubes'),
    encrypted_key_base64: requiredText(null),
    is_valid: FLAG,
    metadata: FREE_JSON,
    ...OWNED,
  },
  createRules: [ofValidCertificate],
  changeRules: [
    onlyInvalidation(
      ['is_valid', 'encrypted_key_base64'],
      'User can only invalidate a container key and overwrite its value',
    ),
  ],
  constraints: {
    encrypted_keys_valid: { non_field_errors: ['There is a valid key of this certificate and container'] },
  },
};
