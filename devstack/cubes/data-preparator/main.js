'use strict';

const { prepare } = require('./prepare');
const { sanityCheck } = require('./sanity-check');
const { statistics } = require('./statistics');

require('../run-task')({ prepare, sanity_check: sanityCheck, statistics });
