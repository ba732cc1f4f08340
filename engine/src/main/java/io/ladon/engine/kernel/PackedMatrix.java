package io.ladon.engine.kernel;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.plan.LeafTree;
import io.ladon.engine.plan.Range;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;

/**
 * One rank's part of a weight matrix, in the layout that kernels read (see {@link PackedLayout}).
 * Packing is lossless: {@link #decode} gives exactly what the checkpoint's blocks decode to.
 */
public final class PackedMatrix {

  /** Grows when packed bytes change their meaning. */
  public static final int LAYOUT_VERSION = 1;

  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

  private final int rows;
  private final int columns;
  private final MemorySegment segment;
  private final PackedLayout layout;
  private final int[] merges; // after each leaf, how many times to add the two topmost sums
  private final List<Range> roots;
  private final MemorySegment schedule; // what machine code must know of tiles and leaves

  private PackedMatrix(
      int rows,
      int columns,
      MemorySegment segment,
      PackedLayout layout,
      int[] merges,
      List<Range> roots,
      MemorySegment schedule) {
    this.rows = rows;
    this.columns = columns;
    this.segment = segment;
    this.layout = layout;
    this.merges = merges;
    this.roots = roots;
    this.schedule = schedule;
  }

  /**
   * Packs encoded rows.
   *
   * @param type encoding of {@code encoded}
   * @param encoded dense rows of {@code encodedColumns} elements each
   * @param columnBegin first column of the encoded rows to keep, a multiple of 32
   * @param columns columns to keep, a multiple of 32
   * @param leafColumns columns of one leaf (the last may be narrower); {@code columns} for a matrix
   *     without leaves
   * @param tree of the whole sum, over all ranks
   * @param leaves those that {@code columns} are
   * @throws IllegalArgumentException if the numbers do not fit each other; the message has them
   */
  public static PackedMatrix pack(
      SegmentAllocator allocator,
      TensorType type,
      MemorySegment encoded,
      int rows,
      int encodedColumns,
      int columnBegin,
      int columns,
      int leafColumns,
      LeafTree tree,
      Range leaves) {
    PackedMatrix matrix =
        allocate(allocator, type, rows, columnBegin, columns, leafColumns, tree, leaves);
    matrix.pack(encoded, encodedColumns, columnBegin);
    return matrix;
  }

  /**
   * A matrix whose weights are still to come, by {@link #pack(MemorySegment, int, int)} or as a
   * copy of the {@link #segment} of another one like it. The parameters are those of {@link
   * #pack(SegmentAllocator, TensorType, MemorySegment, int, int, int, int, int, LeafTree, Range)}.
   *
   * @param allocator of zeroed memory
   */
  public static PackedMatrix allocate(
      SegmentAllocator allocator,
      TensorType type,
      int rows,
      int columnBegin,
      int columns,
      int leafColumns,
      LeafTree tree,
      Range leaves) {
    check(rows, columnBegin, columns, leafColumns, tree, leaves);
    PackedLayout layout =
        new PackedLayout(type, columnBegin, columns, Math.max(leafColumns, PackedLayout.BLOCK));
    long panels = (rows + PackedLayout.ROWS - 1L) / PackedLayout.ROWS;
    MemorySegment segment =
        allocator.allocate(Math.max(64, panels * layout.panelBytes()), FloatTensor.ALIGNMENT);
    int[] merges = tree.merges(leaves);
    return new PackedMatrix(
        rows,
        columns,
        segment,
        layout,
        merges,
        List.copyOf(tree.roots(leaves)),
        MachineProduct.schedule(allocator, layout, merges));
  }

  /** Packs encoded rows into this matrix, which is of zeros. */
  public void pack(MemorySegment encoded, int encodedColumns, int columnBegin) {
    if ((long) columnBegin + columns > encodedColumns) {
      throw refused(
          "columns from %d, %d of them, out of %d".formatted(columnBegin, columns, encodedColumns));
    }
    long rowBytes = type().bytesFor(encodedColumns);
    if (encoded.byteSize() < rowBytes * rows) {
      throw refused(
          "%d bytes for %d rows of %d %s elements, which are %d bytes"
              .formatted(encoded.byteSize(), rows, encodedColumns, type(), rowBytes * rows));
    }
    byte[] encodedRow = new byte[Math.toIntExact(rowBytes)];
    byte[] panel = new byte[Math.toIntExact(layout.panelBytes())];
    BlockPacker packer = new BlockPacker(type(), encodedRow, panel);
    for (int first = 0; first < rows; first += PackedLayout.ROWS) {
      int height = Math.min(PackedLayout.ROWS, rows - first);
      if (height < PackedLayout.ROWS) {
        Arrays.fill(panel, (byte) 0);
      }
      for (int row = 0; row < height; row++) {
        MemorySegment.copy(
            encoded, BYTE, (first + row) * rowBytes, encodedRow, 0, encodedRow.length);
        pack(packer, columnBegin, row);
      }
      MemorySegment.copy(
          panel, 0, segment, BYTE, first / PackedLayout.ROWS * layout.panelBytes(), panel.length);
    }
  }

  private void pack(BlockPacker packer, int columnBegin, int rowOfPanel) {
    for (int tile = 0; tile < layout.tiles(); tile++) {
      packer.pack(
          columnBegin + layout.tileBlock(tile) * PackedLayout.BLOCK,
          layout.blocksOfTile(tile),
          Math.toIntExact(layout.tileOffset(tile)),
          Math.toIntExact(layout.quantOffset(tile)),
          rowOfPanel);
    }
  }

  private static void check(
      int rows, int columnBegin, int columns, int leafColumns, LeafTree tree, Range leaves) {
    int block = PackedLayout.BLOCK;
    if (rows < 0 || columnBegin < 0 || columns < 0) {
      throw refused("%d rows of %d columns from %d".formatted(rows, columns, columnBegin));
    }
    if (columnBegin % block != 0 || columns % block != 0 || leafColumns % block != 0) {
      throw refused(
          "columns from %d, %d of them, leaves of %d: each must be a multiple of 32"
              .formatted(columnBegin, columns, leafColumns));
    }
    int count = columns == 0 ? 0 : (columns - 1) / Math.max(1, leafColumns) + 1;
    if (leaves.size() != count || leaves.end() > tree.leaves()) {
      throw refused(
          "%d columns in leaves of %d are not the leaves %s of %d"
              .formatted(columns, leafColumns, leaves, tree.leaves()));
    }
  }

  private static IllegalArgumentException refused(String why) {
    return new IllegalArgumentException("cannot pack: " + why);
  }

  public int rows() {
    return rows;
  }

  public int columns() {
    return columns;
  }

  public TensorType type() {
    return layout.type();
  }

  /** Bytes in memory. */
  public long bytes() {
    return segment.byteSize();
  }

  /** Complete subtrees that this matrix's leaves make: a product has one result for each. */
  public List<Range> roots() {
    return roots;
  }

  /** Writes row {@code row} as float32 to {@code out}. */
  public void decode(int row, float[] out) {
    if (row < 0 || row >= rows) {
      throw new IndexOutOfBoundsException("row " + row + " of " + rows);
    }
    BlockReader reader = reader();
    int[] quants = new int[PackedLayout.BLOCK];
    float[] floats = new float[PackedLayout.BLOCK];
    int column = 0;
    for (int tile = 0; tile < layout.tiles(); tile++) {
      for (int b = 0; b < layout.blocksOfTile(tile); b++, column += PackedLayout.BLOCK) {
        if (type().isFloat()) {
          reader.floats(row, tile, b, floats);
        } else {
          reader.quants(row, tile, b, quants);
          dequantize(reader, row, tile, b, quants, floats);
        }
        System.arraycopy(floats, 0, out, column, PackedLayout.BLOCK);
      }
    }
  }

  private void dequantize(
      BlockReader reader, int row, int tile, int block, int[] quants, float[] out) {
    boolean hasMinimum = PackedLayout.hasMinimum(type());
    float minimum = hasMinimum ? reader.minimum(row, tile, block) : 0;
    for (int c = 0; c < PackedLayout.BLOCK; c++) {
      float product = reader.scale(row, tile, block, c / 16) * quants[c];
      out[c] = hasMinimum ? product + minimum : product;
    }
  }

  /** The packed bytes, in layout {@link #LAYOUT_VERSION}. */
  public MemorySegment segment() {
    return segment;
  }

  MemorySegment schedule() {
    return schedule;
  }

  PackedLayout layout() {
    return layout;
  }

  BlockReader reader() {
    return new BlockReader(segment, layout);
  }

  /** After leaf i, how many times the two topmost sums are added: {@link LeafTree#merges}. */
  int merges(int leaf) {
    return merges[leaf];
  }

  /** Sums that stand on the stack at most while leaves are added up. */
  int stackDepth() {
    return roots.size() + Integer.SIZE - Integer.numberOfLeadingZeros(layout.leaves()) + 1;
  }
}
