import { enableCompileCache } from 'node:module';

/* Loaded in front of a thread's own code where the process keeps what it compiles: threads do not take that over. */

enableCompileCache();
