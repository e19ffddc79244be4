import { changePassword, hashPassword } from '../accounts';
import { ok } from '../calls';
import type { Operation } from '../operations';
import { serverFault } from '../refusals';
import { fullView, viewWithout } from '../resource';
import type { Derivation, Resource } from '../resource';
import { USERS as SHARED_USERS } from '../users';
import { isObject, readTexts } from '../validation';

const PASSWORD_CHARACTERS = 128;

const hashedPassword: Derivation = async ({ existing, values }) =>
  existing === null ? { password: await hashPassword(String(values.password)) } : {};

/** A PUT stores its password as it comes, as the real server does: nobody signs in by it again. */
export const USERS: Resource = {
  ...SHARED_USERS,
  fields: {
    username: SHARED_USERS.fields.username,
    email: { ...SHARED_USERS.fields.email, blank: false, required: true, unique: 'This field must be unique.' },
    password: { kind: 'text', max: PASSWORD_CHARACTERS, blank: false, required: true },
    first_name: { ...SHARED_USERS.fields.first_name, required: true },
    last_name: { ...SHARED_USERS.fields.last_name, required: true },
  },
  derivations: [hashedPassword],
};

export const USER = viewWithout('User', fullView(USERS), ['password']);

/** A new password for the caller, whose token is good no longer. */
export const passwordChange: Operation = {
  answer: async (call) => {
    const body = call.body();
    if (!isObject(body) || !Object.hasOwn(body, 'password')) throw serverFault();
    const { password = '' } = readTexts(body, { password: PASSWORD_CHARACTERS });
    await changePassword(call.sql, call.user.id, password);
    return ok({ message: 'Password changed successfully' });
  },
  document: {
    request: {
      schema: {
        type: 'object',
        required: ['password'],
        properties: { password: { type: 'string', minLength: 1, maxLength: PASSWORD_CHARACTERS } },
      },
    },
    status: 200,
    response: { schema: { type: 'object', required: ['message'], properties: { message: { type: 'string' } } } },
    statuses: [500],
  },
};
