import { testCases } from './jest-cases';
import { makeRoleTokens } from './role-tokens';

testCases('e25', async (startRegistry) => {
  const { settings, roles } = await makeRoleTokens();
  const registry = await startRegistry({
    dialect: 'E25',
    database: {},
    administrators: ['testadmin'],
    tokens: settings,
  });
  return { registry, roles };
});
