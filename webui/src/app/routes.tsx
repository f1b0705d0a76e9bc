/** Which page is where. Every page is loaded when it is first asked for. */
import { lazy, Suspense } from "react";
import { Route, Routes } from "react-router";
import { withPageWords } from "@/lib/i18n";
import { placeOf } from "@/lib/place";
import { latePart } from "@/ui/late-part";
import { Loading } from "@/ui/loading";
import { NotFound } from "./errors/not-found";
import { lazyPage } from "./lazy-page";
import { RequireUser } from "./require-user";
import { useHeldLocation } from "./use-held-location";

const SignedIn = lazyPage(() => import("./signed-in").then((module) => module.SignedIn));
const Chat = lazyPage(() => import("./chat-place").then((module) => module.ChatPlace));
const AuthPage = lazy(() =>
  withPageWords(import("@/features/auth/auth-page")).then((module) => ({ default: module.AuthPage })),
);
const ConfirmDialog = latePart(() => import("@/ui/confirm-dialog").then((module) => module.ConfirmDialog));
const SharedPage = lazy(() =>
  withPageWords(import("@/features/shared/shared-page")).then((module) => ({ default: module.SharedPage })),
);
const SettingsPage = lazy(() =>
  withPageWords(import("@/features/settings/settings-page")).then((module) => ({ default: module.SettingsPage })),
);
const ProfilePage = lazy(() =>
  withPageWords(import("@/features/profile/profile-page")).then((module) => ({ default: module.ProfilePage })),
);

const DocumentsPage = lazy(() =>
  withPageWords(import("@/features/documents/page/documents-page")).then((module) => ({
    default: module.DocumentsPage,
  })),
);

/** With the question that it asks before it is left: without a line that could not be fetched. */
const TemporaryPage = lazy(() =>
  Promise.all([withPageWords(import("@/features/chat/temporary/temporary-page")), ConfirmDialog.preload()]).then(
    ([module]) => ({ default: module.TemporaryPage }),
  ),
);

const SharePage = lazy(() => import("@/features/chat/share-page").then((module) => ({ default: module.SharePage })));

/** Who comes to a chat mostly is signed in: the code does not wait for the server to say so. */
export const preloaded: Promise<unknown> = /^\/(?:chat\/|$)/.test(placeOf(location.pathname) ?? "")
  ? Promise.all([SignedIn.preload(), Chat.preload()])
  : Promise.resolve();

const signedIn = (
  <RequireUser>
    <SignedIn.Page />
  </RequireUser>
);

export function AppRoutes() {
  const { location: shown, question, stay, leave } = useHeldLocation();
  return (
    <Suspense fallback={<Loading />}>
      <Routes location={shown}>
        <Route path="/login" element={<AuthPage />} />
        <Route path="/register" element={<AuthPage isRegistering />} />
        <Route path="/shared/:token" element={<SharedPage />} />
        <Route element={signedIn}>
          <Route path="/" element={<Chat.Page />} />
          <Route path="/chat/:sessionId" element={<Chat.Page />} />
          <Route path="/share" element={<SharePage />} />
          <Route path="/temporary" element={<TemporaryPage />} />
          <Route path="/documents" element={<DocumentsPage />} />
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
      {question && (
        <ConfirmDialog.Part
          title={question.title}
          action={question.action}
          run={async () => leave()}
          close={stay}
          done={() => {}}
        >
          {question.text}
        </ConfirmDialog.Part>
      )}
    </Suspense>
  );
}
