'use strict';
/**
 * Kills the worker process that it is loaded into (`node --require`) at an exact moment of a model's run, once. The moment is
 * told by `MEDPERF_FAULT_MOMENT`; the file `MEDPERF_FAULT_MARK` says afterwards that it came. The product knows nothing of it.
 */
const fs = require('node:fs');
const path = require('node:path');

const { MEDPERF_FAULT_MOMENT: moment, MEDPERF_FAULT_MARK: mark } = process.env;
const isWorker = process.argv[2] === 'worker' && process.argv[3] === 'start';

if (moment !== undefined && mark !== undefined && isWorker) {
  const Docker = require('dockerode');
  const Container = require('dockerode/lib/container');
  const { FileStore } = require(path.join(__dirname, '..', '..', 'lib', 'store', 'file-store.js'));
  /** Names of the containers that run a model. */
  const models = new Set();
  const shortKeys = () => [...models].map((name) => name.split('-')[1]);

  const die = () => {
    try {
      fs.writeFileSync(mark, moment, { flag: 'wx' });
    } catch {
      return;
    }
    process.kill(process.pid, 'SIGKILL');
  };

  const around = (type, method, { before, after }) => {
    const original = type.prototype[method];
    type.prototype[method] = async function (...args) {
      if (before?.call(this, ...args)) die();
      const answer = await original.apply(this, args);
      if (after?.call(this, answer)) die();
      return answer;
    };
  };

  const isModel = (container) => models.has(container.id);
  around(Docker, 'createContainer', {
    before: ({ name, Labels }) => {
      if (Labels?.['org.temporal-medperf.step'] === 'infer-model') models.add(name);
      return moment === 'before create' && models.has(name);
    },
  });
  around(Container, 'start', {
    before() {
      return moment === 'between create and start' && isModel(this);
    },
    after() {
      return moment === 'while it runs' && isModel(this);
    },
  });
  around(Container, 'inspect', {
    after({ State }) {
      return moment === 'after its end, before collection' && isModel(this) && State.Status === 'exited';
    },
  });
  around(Container, 'remove', {
    before() {
      return moment === 'recorded, before clean-up' && isModel(this);
    },
    after() {
      return moment === 'during clean-up' && isModel(this);
    },
  });
  around(FileStore, 'recordActionResult', {
    before({ key }) {
      return moment === 'collected, before it is recorded' && shortKeys().includes(key.slice(7, 19));
    },
  });
}
