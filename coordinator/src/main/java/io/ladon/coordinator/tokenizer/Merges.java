package io.ladon.coordinator.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The merge rules of byte-pair encoding: two symbols, the rank of their merge (lower goes first),
 * and the symbol that they become. Symbols are numbers of a {@link ByteStrings}, in which pieces
 * that are no token follow the tokens.
 */
final class Merges {

  private final long[] pairs; // left << 32 | right, or -1 for a free slot; a power of two long
  private final int[] ranks;
  private final int[] merged;
  private final int mask;

  /** Reads rules of the form {@code "left right"}; the first of equal pairs counts. */
  Merges(List<String> rules, ByteStrings symbols) {
    int capacity = Integer.highestOneBit(Math.max(8, rules.size())) * 4;
    pairs = new long[capacity];
    java.util.Arrays.fill(pairs, -1);
    ranks = new int[capacity];
    merged = new int[capacity];
    mask = capacity - 1;
    byte[] joined = new byte[256];
    for (int rank = 0; rank < rules.size(); rank++) {
      byte[] rule = rules.get(rank).getBytes(StandardCharsets.UTF_8);
      int space = 1;
      while (space < rule.length && rule[space] != ' ') {
        space++;
      }
      if (space >= rule.length) {
        continue; // no pair: llama.cpp files it under two empty symbols, which never occur
      }
      int right = rule.length - space - 1;
      if (joined.length < rule.length) {
        joined = new byte[rule.length * 2];
      }
      System.arraycopy(rule, 0, joined, 0, space);
      System.arraycopy(rule, space + 1, joined, space, right);
      int leftSymbol = symbols.intern(rule, 0, space);
      int rightSymbol = symbols.intern(rule, space + 1, right);
      put(leftSymbol, rightSymbol, rank, symbols.intern(joined, 0, space + right));
    }
  }

  /** Where the rule of a pair is, or -1. */
  int find(int left, int right) {
    long pair = pair(left, right);
    int slot = slot(pair);
    while (pairs[slot] != -1) {
      if (pairs[slot] == pair) {
        return slot;
      }
      slot = (slot + 1) & mask;
    }
    return -1;
  }

  int rank(int slot) {
    return ranks[slot];
  }

  int merged(int slot) {
    return merged[slot];
  }

  private void put(int left, int right, int rank, int result) {
    long pair = pair(left, right);
    int slot = slot(pair);
    while (pairs[slot] != -1) {
      if (pairs[slot] == pair) {
        return;
      }
      slot = (slot + 1) & mask;
    }
    pairs[slot] = pair;
    ranks[slot] = rank;
    merged[slot] = result;
  }

  private static long pair(int left, int right) {
    return ((long) left << 32) | right;
  }

  private int slot(long pair) {
    long hash = pair * 0x9E3779B97F4A7C15L;
    return (int) (hash >>> 40) & mask;
  }
}
