package io.ladon.coordinator.template;

/** A place in a template; both count from 1. */
record Position(int line, int column) {}
