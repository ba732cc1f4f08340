package io.ladon.coordinator.generate;

import io.ladon.engine.model.ModelSpec;

/**
 * The model that is served.
 *
 * @param id what clients call it
 * @param created seconds since 1970 when this coordinator began to serve it
 * @param contextLength positions that one request may use: prompt and generated tokens together
 * @param spec of the model
 */
public record ModelCard(String id, long created, int contextLength, ModelSpec spec) {}
