#!/usr/bin/env node
// The program from its sources, also where a build is present.
process.env.MDX_FROM_SOURCES = '1';
await import('./run.js');
