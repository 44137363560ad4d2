import 'reflect-metadata';
import { Controller, Get, Header, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { fastify } from 'fastify';
import { serve } from '../process.ts';

const contentType = 'application/json; charset=utf-8';
const host = '127.0.0.1';

/** Frameworks with one handler that knows its answer. */
const listeners = {
  'bare Fastify': async (path: string, body: string): Promise<string> => {
    const server = fastify();
    server.get(path, (_request, reply) => reply.type(contentType).send(body));
    return server.listen({ port: 0, host });
  },
  'bare Nest on Fastify': async (path: string, body: string): Promise<string> => {
    @Controller()
    class Bare {
      @Get(path)
      @Header('Content-Type', contentType)
      answer(): string {
        return body;
      }
    }
    @Module({ controllers: [Bare] })
    class BareModule {}
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest declares its options as a class and takes any object of that shape
    const app = await NestFactory.create<NestFastifyApplication>(BareModule, new FastifyAdapter(), { logger: false });
    await app.listen(0, host);
    return (await app.getUrl()).replace(/\/$/, '');
  },
};

export type Framework = keyof typeof listeners;

const methods = {
  listen: ({ framework, path, body }: { framework: Framework; path: string; body: string }): Promise<string> => listeners[framework](path, body),
};

export type BareMethods = typeof methods;

serve(methods);
