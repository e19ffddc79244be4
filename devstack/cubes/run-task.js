'use strict';

/**
 * Runs the task that the command line names, as MLCube calls a cube:
 * `infer --data_path=/mlcube_io0 --output_path=/mlcube_io1`. Each task gets its arguments by name.
 */
module.exports = function runTask(tasks) {
  const [name, ...rest] = process.argv.slice(2);
  try {
    const task = tasks[name];
    if (task === undefined) throw new Error(`no task "${name}"; this cube has ${Object.keys(tasks).join(', ')}`);
    const started = performance.now();
    log(`${name} starts`);
    task(argumentsByName(rest), log);
    log(`${name} is done after ${Math.round(performance.now() - started)} ms`);
  } catch (error) {
    process.stderr.write(`${name}: ${error.message}\n`);
    process.exitCode = 1;
  }
};

function argumentsByName(words) {
  const given = Object.fromEntries(
    words.map((word) => {
      const [, name, value] = /^--([a-z_]+)=(.+)$/.exec(word) ?? [];
      if (name === undefined) throw new Error(`cannot read the argument ${word}; expected --name=value`);
      return [name, value];
    }),
  );
  return new Proxy(given, {
    get(target, name) {
      if (target[name] === undefined) throw new Error(`the argument --${String(name)}=… is missing`);
      return target[name];
    },
  });
}

function log(line) {
  process.stdout.write(`${line}\n`);
}
