package io.ladon.cli;

import io.ladon.worker.exchange.ExchangeMode;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads {@code --exchange}. */
final class ExchangeModeConverter implements ITypeConverter<ExchangeMode> {

  @Override
  public ExchangeMode convert(String value) {
    try {
      return ExchangeMode.named(value);
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException(e.getMessage());
    }
  }
}
