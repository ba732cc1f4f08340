/**
 * Where a token begins and ends its way: the HTTP API, with OpenAI's endpoints, health and metrics.
 */
@NullMarked
package io.ladon.coordinator.api;

import org.jspecify.annotations.NullMarked;
