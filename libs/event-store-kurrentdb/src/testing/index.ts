export * from './fake-kurrent-server.ts';
export * from './grpc-stand-in.ts';
