"""How good the tests are: what they would not notice."""
