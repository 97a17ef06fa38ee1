%% Floats to text and back: shortest form, %e form, fixed decimals.
-module(float_text).
-export([main/0]).
-include("show.hrl").

-define(FLOATS, [0.0, -0.0, 1.0, -1.0, 0.1, 0.5, 1.5, 100.0, 123456789.0, 1.0e15, 1.0e16, 1.0e17, 1.0e21, 1.0e22,
                 1.0e23, 1.0e100, 1.0e-1, 1.0e-3, 1.0e-4, 1.0e-5, 1.0e-6, 1.0e-7, 1.0e-10, 3.141592653589793, 2.718281828459045,
                 9007199254740991.0, 9007199254740992.0, 9007199254740993.0, 1.7976931348623157e308,
                 2.2250738585072014e-308, 5.0e-324, 4.35, 0.3, 2.0e-3, 99.99, 123.456, 1.0e10, 12345678901234567890.0]).

main() ->
    [erlang:display({X, float_to_list(X, [short])}) || X <- id(?FLOATS)],
    [erlang:display({X, float_to_list(X)}) || X <- id(?FLOATS)],
    ?SHOW([float_to_binary(X, [short]) || X <- id(?FLOATS)]),
    ?SHOW([list_to_float(float_to_list(X, [short])) =:= X || X <- id(?FLOATS)]),
    ?SHOW([list_to_float(float_to_list(X)) =:= X || X <- id(?FLOATS)]),
    [erlang:display({Options, [float_to_list(X, Options) || X <- id([0.0, 1.0, 3.14159, -2.5, 0.05, 12345.678, 99.995, 1.0e10])]})
     || Options <- [[{decimals, 0}], [{decimals, 2}], [{decimals, 10}], [{decimals, 4}, compact],
                    [{scientific, 0}], [{scientific, 3}], [{scientific, 20}]]],
    ?SHOW(float_to_binary(id(2.5), [{decimals, 1}])),
    ?SHOW([list_to_float(S) || S <- ["1.0", "-1.5", "+2.25", "1.0e3", "1.0E3", "1.0e-3", "1.0e+3", "0.1", "123456789.123456789"]]),
    [?TRY(list_to_float(S)) || S <- id(["1", "1.", ".5", "1e3", "", "1.0e", "1.0e400", " 1.0", "1.0 ", "abc", "1.0e-400"])],
    ?SHOW(binary_to_float(id(<<"3.5e2">>))),
    ?TRY(binary_to_float(id(<<"3">>))),
    ?TRY(float_to_list(id(1.0), [{decimals, id(-1)}])),
    ?TRY(float_to_list(id(1.0), [{decimals, id(254)}])),
    ?TRY(float_to_list(id(1.0), [{scientific, id(250)}])),
    [?TRY({float_to_list(F, [{scientific, id(N)}]), float_to_binary(F, [{scientific, id(N)}])}) || F <- [1.5, 0.0, -2.25e100], N <- [-1, -7]],
    ?TRY(float_to_list(id(1.0e300), [{decimals, 0}])),
    ?SHOW(erlang:md5(float_to_list(id(1.0), [{decimals, 253}]))),
    ?TRY(float_to_list(id(1.0), [{unknown, 1}])),
    ?TRY(float_to_list(id(1))),
    ?SHOW(1.0e0 + id(0)),
    ?SHOW(id(-1.5e-7)),
    ?SHOW(id([1.0, [2.0 | 3.0], {4.0}])).
