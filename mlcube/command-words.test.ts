import { commandWords } from './command-words';

it.each([
  ['', []],
  [' \n', []],
  ['python3 /run.py  --fast\n', ['python3', '/run.py', '--fast']],
  [
    `sh -c "a && b; echo $HOME \\$x \\"q\\" \\\\" 'it''s' a\\ b ""`,
    ['sh', '-c', 'a && b; echo $HOME \\$x "q" \\', 'its', 'a b', ''],
  ],
  ['a|b;c # d', ['a|b;c', '#', 'd']],
])('splits %j as Python does', (command, words) => {
  expect(commandWords(command)).toEqual(words);
});

it.each(["it's", 'a "b', 'a\\', 'a "b\\"'])('finds no end in %j', (command) => {
  expect(commandWords(command)).toBeNull();
});
