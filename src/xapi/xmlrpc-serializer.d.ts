/** The one part of xmlrpc that is used: the builder of calls. @types/xmlrpc leaves it out. */
declare module "xmlrpc/lib/serializer.js" {
  const serializer: {
    /** Throws on characters that XML forbids. */
    serializeMethodCall(method: string, params: readonly unknown[], encoding?: string): string;
  };
  export default serializer;
}
