import { defineConfig, globalIgnores } from 'eslint/config'
import svelte from 'eslint-plugin-svelte'
import tseslint from 'typescript-eslint'

/**
 * What a side may not import; test/boundaries.test.ts holds the same by reading the code.
 * @param {string[]} group
 * @returns {import('eslint').Linter.RulesRecord}
 */
const border = (...group) => ({ 'no-restricted-imports': ['error', { patterns: [{ group }] }] })
const nodeGlobals = ['process', 'Buffer', 'global', '__dirname', '__filename', 'setImmediate']

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', 'test/output/']),
  tseslint.configs.strictTypeChecked,
  svelte.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    languageOptions: {
      parserOptions: {
        projectService: true,
        extraFileExtensions: ['.svelte'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'MemberExpression[object.name=/^(test|it|describe|suite)$/][property.name=/^(only|skip|skipIf|runIf|todo)$/]',
          message: 'Every test runs, everywhere.',
        },
      ],
      '@typescript-eslint/no-deprecated': [
        'error',
        {
          // Not old, only marked to stand out: providers without PKCE, simulators on plain loopback.
          allow: [
            {
              from: 'package',
              package: 'oauth4webapi',
              name: ['nopkce', 'allowInsecureRequests'],
            },
          ],
        },
      ],
      // `{ unwanted, ...rest }` is how a field is dropped.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
  },
  {
    files: ['shared/**'],
    rules: {
      ...border('node:*', '**/proxy/**', '**/web/**', '**/test/**'),
      'no-restricted-globals': ['error', ...nodeGlobals],
    },
  },
  {
    files: ['web/**'],
    rules: {
      ...border('node:*', '**/proxy/**', '**/test/**'),
      'no-restricted-globals': ['error', ...nodeGlobals],
    },
  },
  { files: ['proxy/**'], rules: border('**/web/**', '**/test/**') },
  {
    // What speaks to whoever runs it: scripts, the demo and the test run's own parts.
    files: ['test/*.js', 'test/*.ts', 'vite.config.ts', 'proxy/node.ts'],
    ignores: ['test/*.test.ts'],
    rules: { 'no-console': 'off' },
  },
)
