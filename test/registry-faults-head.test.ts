import { faultTable } from './registry-fault-table';

faultTable('HEAD');
