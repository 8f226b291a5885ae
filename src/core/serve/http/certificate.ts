import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { Server as TlsServer } from 'node:https';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { ServeConfig } from '../../config/serve-config.ts';
import { MdxError } from '../../errors.ts';

/** A certificate that ends this soon is warned of. */
const WARNED_MS: number = 14 * 24 * 3_600_000;

/** A certificate with its chain, and its private key: PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/**
 * Reads the certificate that is configured, null = none. Throws MdxError where one of its files cannot be read, or where
 * they are not what they should be.
 */
export function readCertificate(tls: ServeConfig['http']['tls']): Certificate | null {
  if (tls === null) return null;
  const certificate = { cert: readPem(tls.certificate), key: readPem(tls.key) };
  try {
    createSecureContext(tlsOptions(certificate));
  } catch (error) {
    throw new MdxError('usage', `TLS with ${tls.certificate} and ${tls.key}: ${(error as Error).message}`, {
      hint: 'Expected a certificate (with its chain) and its private key, both PEM.',
      cause: error,
    });
  }
  return certificate;
}

export function tlsOptions(certificate: Certificate): SecureContextOptions {
  return { ...certificate, minVersion: 'TLSv1.2' };
}

/** Gives it to whoever connects from now on; who is connected stays. */
export function renewCertificate(server: Server, certificate: Certificate | null): void {
  if (certificate !== null && server instanceof TlsServer) server.setSecureContext(tlsOptions(certificate));
}

/** What is wrong, or soon will be, with the time that a certificate is valid for; null = nothing. @param now ms since 1970. */
export function certificateWarning({ cert }: Certificate, now: number): string | null {
  const { validFromDate, validToDate } = new X509Certificate(cert);
  const left = validToDate.getTime() - now;
  if (left < 0) return `the certificate ended on ${day(validToDate)}: clients refuse it`;
  if (validFromDate.getTime() > now) {
    return `the certificate begins on ${day(validFromDate)}: clients refuse it until then`;
  }
  return left < WARNED_MS ? `the certificate ends on ${day(validToDate)}` : null;
}

/** The last day of a certificate. */
export function lastDay({ cert }: Certificate): string {
  return day(new X509Certificate(cert).validToDate);
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new MdxError(
      missing ? 'input-missing' : 'input-unreadable',
      `reading ${path} for TLS: ${missing ? 'there is no such file' : (error as Error).message}`,
      { cause: error },
    );
  }
}
