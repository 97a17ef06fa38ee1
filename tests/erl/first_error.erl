%% An error in the first process ends the machine: OTP's wording, exit code 1.
-module(first_error).
-export([main/0]).

main() ->
    erlang:display(before_the_error),
    throw_if(erlang:monotonic_time()).

throw_if(Time) when is_integer(Time) -> error({failed, [on, purpose]});
throw_if(_) -> ok.
