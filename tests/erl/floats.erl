%% Float arithmetic, its errors, and the math module.
-module(floats).
-export([main/0]).
-include("show.hrl").

main() ->
    ?SHOW(id(0.1) + id(0.2)),
    ?SHOW(id(1) / id(3)),
    ?SHOW(id(6) / id(3)),
    ?SHOW(id(1.5) * id(2)),
    ?SHOW(id(2) - id(0.5)),
    ?SHOW(-id(0.0)),
    ?SHOW(id(0.0) =:= -id(0.0)),
    ?SHOW(id(0.0) == -id(0.0)),
    ?SHOW(abs(id(-2.5))),
    ?SHOW(float(id(3))),
    ?SHOW(float(id(1 bsl 80))),
    ?SHOW([trunc(X) || X <- [2.7, -2.7, 0.0, 1.0e20, -1.0e20, 1.0e300]]),
    ?SHOW([round(X) || X <- [2.4, 2.5, 2.6, -2.4, -2.5, -2.6, 0.49999999999999994, 1.0e20]]),
    ?SHOW([floor(X) || X <- [2.7, -2.7, 3.0, 5]]),
    ?SHOW([ceil(X) || X <- [2.2, -2.7, 3.0, 5]]),
    ?SHOW([trunc(X) || X <- [576460752303423487.0, 576460752303423488.0, -576460752303423488.0, 9.223372036854775807e18]]),
    ?TRY(id(1.0e308) * id(10)),
    ?TRY(id(1.0e308) + id(1.0e308)),
    ?TRY(id(1.0) / id(0)),
    ?TRY(id(1.0) / id(0.0)),
    ?TRY(id(0.0) / id(0.0)),
    ?TRY(id(1 bsl 2000) * id(1.0)),
    ?TRY(float(id(1 bsl 2000))),
    ?TRY(float(id(a))),
    ?TRY(id(1.0) rem id(2)),
    ?SHOW(id(1.0e-320)),
    ?SHOW(id(5.0e-324) / 2),
    ?SHOW(id(1.7976931348623157e308)),
    ?SHOW(math:pi()),
    ?SHOW([math:sqrt(X) || X <- [0, 1, 2, 2.25, 1.0e10]]),
    ?SHOW([math:pow(X, Y) || {X, Y} <- [{2, 10}, {2, 0.5}, {10, -2}, {0, 0}]]),
    ?SHOW([math:floor(X) || X <- [1.5, -1.5, 2]]),
    ?SHOW([math:ceil(X) || X <- [1.5, -1.5, 2]]),
    ?SHOW([math:fmod(X, Y) || {X, Y} <- [{7, 3}, {-7.5, 2}, {1.0e10, 7}]]),
    ?SHOW([rounded(math:F(1.25)) || F <- [sin, cos, tan, atan, sinh, cosh, tanh, exp, log, log2, log10, erf, erfc]]),
    ?SHOW([rounded(math:F(0.5)) || F <- [asin, acos, asinh, atanh]]),
    ?SHOW(rounded(math:atan2(1, -2))),
    ?SHOW(math:exp(0)),
    ?SHOW(math:log2(8)),
    ?TRY(math:sqrt(id(-1))),
    ?TRY(math:log(id(0))),
    ?TRY(math:acos(id(2))),
    ?TRY(math:exp(id(1000))),
    ?TRY(math:pow(id(-1), id(0.5))),
    ?TRY(math:sin(id(a))),
    ?SHOW(average(id([1, 2, 3, 4]))),
    ?SHOW(newton(id(2.0), 1.0, 6)),
    ?SHOW(harmonic(id(1000), 0.0)),
    ?SHOW(mandelbrot(id(-0.7436), id(0.1318))),
    ?SHOW(horner([1, -3, 0.5, 2], id(1.5))),
    ?SHOW(loop(id(100), 1.0)).

%% The last bits of a transcendental function are the C library's affair.
rounded(X) -> round(X * 1.0e9).

average(L) -> lists:sum(L) / length(L).

newton(_, X, 0) -> X;
newton(A, X, N) -> newton(A, (X + A / X) / 2, N - 1).

harmonic(0, Sum) -> Sum;
harmonic(N, Sum) -> harmonic(N - 1, Sum + 1 / N).

mandelbrot(Cr, Ci) -> mandelbrot(0.0, 0.0, Cr, Ci, 0).

mandelbrot(_, _, _, _, 1000) -> inside;
mandelbrot(R, I, _, _, N) when R * R + I * I > 4.0 -> {escaped, N};
mandelbrot(R, I, Cr, Ci, N) -> mandelbrot(R * R - I * I + Cr, 2 * R * I + Ci, Cr, Ci, N + 1).

horner(Coefficients, X) -> lists:foldr(fun(C, Acc) -> Acc * X + C end, 0.0, Coefficients).

loop(0, X) -> X;
loop(N, X) -> loop(N - 1, X * 1.01 - 0.005).
