import { faultTable } from './registry-fault-table';

faultTable('E25');
