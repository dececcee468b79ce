// The benchmark of xcp-collect.
process.stdout.write("collect\n");
