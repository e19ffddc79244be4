'use strict';

const { infer } = require('./infer');

require('../run-task')({ infer });
