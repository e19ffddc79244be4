import { testCases } from './jest-cases';
import { TRUSTED, makeRoleTokens } from './role-tokens';

testCases('head', async (startRegistry) => {
  const { settings, roles } = await makeRoleTokens();
  const registry = await startRegistry({
    dialect: 'HEAD',
    database: {},
    administrators: ['testadmin'],
    tokens: settings,
    autoApproveBenchmarksFrom: [TRUSTED],
  });
  return { registry, roles };
});
