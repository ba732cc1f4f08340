/**
 * The HTTP/1.1 server under the API: a request comes in here as bytes, and its tokens leave here as
 * server-sent events. Knows nothing of models.
 */
@NullMarked
package io.ladon.coordinator.api.http;

import org.jspecify.annotations.NullMarked;
