export * from './checkpoint.ts';
export * from './key-announcement.ts';
export { LogFormatError, type LogFormatErrorCode } from './format-error.ts';
export { completeSubtrees, emptyRoot, GrowingTree, leafHash, nodeHash, prefixedHash, treeHashBytes, type Frontier, type HashedNode, type LeafRange, type TreeHash, type TreeNode } from './merkle-tree.ts';
export * from './proof-file.ts';
export * from './proofs.ts';
export * from './signed-note.ts';
export * from './tiles.ts';
