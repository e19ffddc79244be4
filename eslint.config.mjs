import tseslint from 'typescript-eslint';
import importX from 'eslint-plugin-import-x';

/** Which of our folders each folder may import; docs/architecture.md explains the picture. */
const MAY_IMPORT = {
  contract: [],
  mlcube: ['contract'],
  store: ['contract'],
  registry: ['contract'],
  engine: ['contract', 'store'],
  hosting: ['contract', 'store'],
  workflows: ['contract', 'activities'],
  activities: ['contract', 'mlcube', 'engine', 'store', 'hosting', 'registry'],
  worker: ['contract', 'activities', 'mlcube', 'engine', 'store', 'hosting', 'registry'],
  client: ['contract', 'store'],
  devstack: ['contract', 'registry'],
};
const FOLDERS = [...Object.keys(MAY_IMPORT), 'cli'];

const zones = Object.entries(MAY_IMPORT).map(([folder, allowed]) => ({
  target: `./${folder}`,
  from: FOLDERS.filter((other) => other !== folder && !allowed.includes(other)).map((other) => `./${other}`),
  message: `${folder}/ may import only: ${allowed.join(', ') || 'nothing of ours'}`,
}));

const WITHOUT_TEMPORAL = ['contract', 'mlcube', 'store', 'registry', 'engine', 'hosting'];

export default tseslint.config(
  { ignores: ['lib/', 'node_modules/', 'coverage/', 'examples/', 'devstack/cubes/', '**/*.mjs', '**/*.js'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: { 'import-x/ignore': ['node_modules'], 'import-x/resolver': { node: { extensions: ['.ts', '.js'] } } },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones }],
      'import-x/no-cycle': 'error',
      eqeqeq: 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: WITHOUT_TEMPORAL.map((folder) => `${folder}/**/*.ts`),
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['@temporalio/*'], message: 'used without Temporal' }] },
      ],
    },
  },
  {
    files: ['contract/**/*.ts', 'workflows/**/*.ts'],
    ignores: ['contract/schemas.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { group: ['node:*', 'zod', '@temporalio/client', '@temporalio/worker'], message: 'must stay sandbox-safe' },
            { regex: 'activities/', allowTypeImports: true, message: 'workflows import activities as types only' },
          ],
        },
      ],
    },
  },
  {
    files: ['**/*.test.ts', 'test/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off', '@typescript-eslint/unbound-method': 'off' },
  },
);
