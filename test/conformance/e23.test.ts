import { request } from 'undici';
import { TUTORIAL_PASSWORD } from '../../devstack/registry';
import { createAccount } from '../../devstack/registry/accounts';
import { testCases } from './jest-cases';

const PEOPLE = {
  benchmark_owner: 'testbo',
  model_owner: 'testmo',
  data_owner: 'testdo',
  stranger: 'testao',
};

testCases('e23', async (startRegistry) => {
  const registry = await startRegistry({ dialect: 'E23', database: {}, administrators: ['testadmin'] });
  const roles: Record<string, string> = {};
  for (const [role, username] of Object.entries({ admin: 'testadmin', ...PEOPLE })) {
    if (role !== 'admin') {
      const email = `${username}@example.com`;
      await createAccount(registry.database, { username, email, superuser: false, password: TUTORIAL_PASSWORD });
    }
    const signedIn = await request(`${registry.url}/api/v0/auth-token/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username, password: TUTORIAL_PASSWORD }),
    });
    roles[role] = `Token ${((await signedIn.body.json()) as { token: string }).token}`;
  }
  return { registry, roles };
});
