'use strict';

const { evaluate } = require('./evaluate');

require('../run-task')({ evaluate });
