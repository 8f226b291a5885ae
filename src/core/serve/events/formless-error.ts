/** An event that DBN has no form for. */
export class FormlessError extends Error {}
