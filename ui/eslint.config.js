// What the code must not do. The rules on HTML keep a promise: a value from a span is text, never markup and never a script.
import hooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

const sinks = ['innerHTML', 'outerHTML', 'srcdoc'];
const calls = ['insertAdjacentHTML', 'write', 'writeln', 'createContextualFragment', 'setHTMLUnsafe', 'parseFromString'];
const syntax = [
  { selector: 'JSXAttribute[name.name=/^(dangerouslySetInnerHTML|srcDoc)$/]', message: 'HTML sink: render text.' },
  { selector: 'Property[key.name="dangerouslySetInnerHTML"]', message: 'HTML sink: render text.' },
  ...sinks.map(name => ({ selector: `MemberExpression[property.name="${name}"]`, message: `HTML sink ${name}: render text.` })),
  ...sinks.map(name => ({ selector: `MemberExpression[property.value="${name}"]`, message: `HTML sink ${name}: render text.` })),
  ...calls.map(name => ({ selector: `CallExpression[callee.property.name="${name}"]`, message: `HTML sink ${name}: render text.` })),
  { selector: 'Literal[value=/^\\s*(javascript|vbscript|data:text\\x2fhtml)/i]', message: 'No addresses that run.' },
  { selector: 'TemplateElement[value.raw=/^\\s*(javascript|vbscript):/i]', message: 'No addresses that run.' },
  {
    selector: 'JSXAttribute[name.name="href"] > JSXExpressionContainer > TemplateLiteral',
    message: 'Addresses come from routes.ts or lib/links.ts.',
  },
  {
    selector: 'CallExpression[callee.name=/^(eval|setTimeout|setInterval)$/] > Literal.arguments:first-child',
    message: 'No code from text.',
  },
  { selector: 'NewExpression[callee.name="Function"]', message: 'No code from text.' },
];

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'test/browser/out'] },
  ...tseslint.configs.strict,
  hooks.configs.flat['recommended-latest'],
  {
    rules: {
      'no-restricted-syntax': ['error', ...syntax],
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-console': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'max-lines': ['error', 500],
      '@typescript-eslint/no-non-null-assertion': 'off',
      'react-hooks/set-state-in-effect': 'off',
      'react-hooks/refs': 'off',
      'react-hooks/incompatible-library': 'off',
    },
  },
  // tests write down what must not run
  { files: ['test/**'], rules: { 'no-console': 'off', 'no-restricted-syntax': 'off' } },
);
