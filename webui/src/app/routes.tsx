/** Which page is where. Every page is loaded when it is first asked for. */
import { lazy, Suspense } from "react";
import { Route, Routes } from "react-router";
import { Loading } from "@/ui/loading";
import { NotFound } from "./errors/not-found";
import { RequireUser } from "./require-user";

const SignedIn = lazy(() => import("./signed-in").then((module) => ({ default: module.SignedIn })));
const ChatPage = lazy(() => import("@/features/chat/chat-page").then((module) => ({ default: module.ChatPage })));
const AuthPage = lazy(() => import("@/features/auth/auth-page").then((module) => ({ default: module.AuthPage })));
const SharedPage = lazy(() =>
  import("@/features/shared/shared-page").then((module) => ({ default: module.SharedPage })),
);
const SettingsPage = lazy(() =>
  import("@/features/settings/settings-page").then((module) => ({ default: module.SettingsPage })),
);
const ProfilePage = lazy(() =>
  import("@/features/profile/profile-page").then((module) => ({ default: module.ProfilePage })),
);

const signedIn = (
  <RequireUser>
    <SignedIn />
  </RequireUser>
);

export function AppRoutes() {
  return (
    <Suspense fallback={<Loading />}>
      <Routes>
        <Route path="/login" element={<AuthPage />} />
        <Route path="/register" element={<AuthPage isRegistering />} />
        <Route path="/shared/:token" element={<SharedPage />} />
        <Route element={signedIn}>
          <Route path="/" element={<ChatPage />} />
          <Route path="/chat/:sessionId" element={<ChatPage />} />
          <Route path="/settings" element={<SettingsPage />} />
          <Route path="/profile" element={<ProfilePage />} />
        </Route>
        <Route
          path="*"
          element={
            <main>
              <NotFound />
            </main>
          }
        />
      </Routes>
    </Suspense>
  );
}
