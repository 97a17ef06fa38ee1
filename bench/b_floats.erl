%% Float arithmetic: a small Mandelbrot set.
-module(b_floats).
-export([run/0]).

run() -> lists:sum([mandelbrot() || _ <- lists:seq(1, 20)]).

mandelbrot() -> lists:sum([escape(X / 60.0 - 2.0, Y / 40.0 - 1.0) || X <- lists:seq(0, 149), Y <- lists:seq(0, 79)]).

escape(Cr, Ci) -> escape(0.0, 0.0, Cr, Ci, 0).

escape(_, _, _, _, 200) -> 200;
escape(R, I, Cr, Ci, N) ->
    R2 = R * R,
    I2 = I * I,
    if
        R2 + I2 > 4.0 -> N;
        true -> escape(R2 - I2 + Cr, 2.0 * R * I + Ci, Cr, Ci, N + 1)
    end.
