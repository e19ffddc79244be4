import { ok } from './calls';
import { missing } from './operations';
import type { Operation } from './operations';
import type { Permission } from './permissions';
import { fullView } from './resource';
import type { Resource, View } from './resource';
import { readRows } from './rows';

/** Users as all generations show them. */
export const USERS = {
  table: 'users',
  schema: 'User',
  maker: null,
  order: ['id'],
  fields: {
    username: {
      kind: 'text',
      max: 150,
      blank: false,
      required: true,
      unique: 'A user with that username already exists.',
      pattern: {
        expression: /^[\p{L}\p{N}_.@+-]+$/u,
        message: 'Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.',
      },
    },
    email: {
      kind: 'text',
      max: 254,
      blank: true,
      pattern: { expression: /^[^\s@]+@[^\s@]+\.[^\s@.]+$/, message: 'Enter a valid email address.' },
    },
    first_name: { kind: 'text', max: 150, blank: true },
    last_name: { kind: 'text', max: 150, blank: true },
  },
} as const satisfies Resource;

export const USER_VIEW: View = fullView(USERS);

/** The caller himself. */
export function me(view: View): Operation {
  return {
    answer: async ({ sql, user }) => ok((await readRows(sql, view, 'users where id = $1', [user.id]))[0] ?? missing()),
    document: { status: 200, response: { one: view } },
  };
}

export const oneself: Permission = (call) => call.user.id === call.ids.id;
